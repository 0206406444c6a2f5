"""C2SP tlog-witness (c2sp.org/tlog-witness), as client and as server (pure).

A witness remembers the newest head of each log that it saw, and cosigns only what extends it. So an operator who holds
database and key still cannot show two histories to two people who both ask for the witness's signature.
"""

PATH = "add-checkpoint"
SIZE_TYPE = "text/x.tlog.size"
MAX_BODY = 64 * 1024
