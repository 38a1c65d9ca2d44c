"""One agency: its clients, permissions, publications, requests and answers."""
