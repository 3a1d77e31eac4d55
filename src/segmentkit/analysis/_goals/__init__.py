"""Goals: what effect would show, and whether there was one."""
