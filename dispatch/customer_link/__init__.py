"""The page that a customer opens by the link to their job: who comes, when, and what they want to say."""
