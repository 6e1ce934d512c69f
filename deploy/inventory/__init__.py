"""The inventory of a community as tables: in from CSV and Excel, out again; what the network must carry."""
