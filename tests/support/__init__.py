"""What tests of several kinds share: made-up videos, a real RTSP server, a bus that keeps what it gets."""
