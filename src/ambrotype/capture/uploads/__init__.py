"""What people bring by themselves. A form is one request (`single`); a resumable upload is many (`resumable`, written down
in the table `upload` as it grows); a direct one goes past us into the store (`direct`). All of them end in `finishing`: the
bytes are looked at in a child process, and then accepted, published and recorded in one transaction.
"""
