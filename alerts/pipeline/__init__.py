"""From an observation to what is owed because of it.

``order`` drops what is late or speaks for a tracker that is gone → ``decide`` asks the rules and moves the
incidents → ``record`` writes them → ``route`` adds what each receiver is owed. ``worker`` runs that over the
log, one transaction a batch, with the offset in it.
"""
