"""What the map of the console is drawn on: tiles of the site's own, or a plan that was uploaded."""
