"""What was found, as others want it: JSON for programs, CSV for spreadsheets, one page for eyes, Markdown."""
