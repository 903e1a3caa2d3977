"""Facts. The only package with SQL and psycopg.

`embedded.py` starts PostgreSQL, `migrate.py` brings the schema up to date, `database.py` opens transactions as
somebody. The other modules are the named statements of one noun each.
"""
