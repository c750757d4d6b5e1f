"""What stacks have left on a cloud: whose it is, why it may go, and how it goes."""
