"""An evaluation for those who read it: tables for a terminal and for Markdown, one page with pictures."""
