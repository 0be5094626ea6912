"""What the shop knows in words: policies and articles as Markdown, their editions, and proposals to change them."""
