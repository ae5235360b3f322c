"""In which state the market is: calm or wild, moving or ranging."""
