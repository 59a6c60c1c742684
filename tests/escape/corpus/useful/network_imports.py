import http.server, socketserver, xmlrpc.client, smtplib, ftplib
