"""Training of the models that are ours. Needs the extra ``train`` (torch); what it writes runs without."""
