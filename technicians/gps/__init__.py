"""What location apps and trackers send, decoded: pure, and nothing but `Unreadable` is ever raised."""
