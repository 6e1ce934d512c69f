"""Reports: what the system says about itself."""
