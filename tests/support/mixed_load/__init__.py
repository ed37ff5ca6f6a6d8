"""Tills and apps that do everything at once over HTTP while servers are killed, and what is checked
of it afterwards.

`clients` send acts drawn by seed (`acts`) at a real web server and repeat each under its key until
it is answered; `strikes` kill, restart and flush meanwhile. All they sent and heard is a `Log`, all
that PostgreSQL holds in the end is `Books`; `checker` compares the two, purely.
"""
