"""Run the embedded AWS: a program on this computer that answers as AWS does.

server.py starts, finds and stops it. process.py is the program: ministack, behind the guard in guard.py, which admits
requests of the owner only, and with the changes of changes.py, which make it behave as AWS does.
"""
