"""What lies where and what was promised: mines and claims."""
