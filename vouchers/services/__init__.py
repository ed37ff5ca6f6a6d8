"""The only place with transactions: facts read, rules asked, effects written. One name per
capability.
"""
