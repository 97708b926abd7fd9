"""The page that reports share: one file, by day, by night and on paper, that asks nobody for anything."""
