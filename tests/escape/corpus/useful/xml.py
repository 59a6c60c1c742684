import xml.etree.ElementTree as E, xml.dom.minidom

E.fromstring("<a/>")
