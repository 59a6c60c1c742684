import html.parser, urllib.parse, urllib.request, http.client, email.message
