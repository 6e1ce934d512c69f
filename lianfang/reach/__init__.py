"""What is outside and how it is reached: where it may be, and the clients that several services share."""
