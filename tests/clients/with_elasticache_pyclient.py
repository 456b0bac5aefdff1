from elasticache_pyclient import MemcacheClient

import conversation


class Client:
    LIBRARY = "elasticache-pyclient"

    def discover(self, host, port):
        self.client = MemcacheClient(f"{host}:{port}", ad_timeout=5, ad_interval=conversation.POLL_SECONDS)

    def nodes(self):
        return [node.rsplit(":", 1) for node in self.client.cluster.servers]

    def set(self, key, value):
        return self.client.set(key, value)

    def get(self, key):
        return self.client.get(key)


conversation.run(Client())
