"""The page that reports share: one file, readable by day, by night and on paper, that asks nobody for anything."""
