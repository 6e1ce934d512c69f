"""GA/T 1400, the view library (视图库) of the police: what it is told, and how one registers there."""
