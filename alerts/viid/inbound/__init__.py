"""What a view library asks of us: it registers here, and keeps its orders with us."""
