import elasticache_auto_discovery
from pymemcache.client.hash import HashClient

import conversation


class Client:
    """It only finds the nodes. What it finds is used with pymemcache, as its documentation shows."""

    LIBRARY = "elasticache-auto-discovery"

    def discover(self, host, port):
        found = elasticache_auto_discovery.discover(f"{host}:{port}", time_to_timeout=5)
        self.found = [(ip.decode(), int(port)) for _, ip, port in found]
        self.client = HashClient(self.found, timeout=5, connect_timeout=5)

    def nodes(self):
        return self.found

    def set(self, key, value):
        return self.client.set(key, value, noreply=False)

    def get(self, key):
        return self.client.get(key)


conversation.run(Client())
