"""The registers: divisions, organizations, officers, households and persons, income; read, imported, and known as of
any day."""
