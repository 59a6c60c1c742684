import getpass

getpass.getuser()
