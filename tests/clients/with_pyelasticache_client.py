# This is pyelasticache-client: it installs itself as `pymemcache`, which is why it has an environment of its own.
from pymemcache.client.autodiscovery import AutodiscoveryClient

import conversation


class Client:
    LIBRARY = "pyelasticache-client"

    def discover(self, host, port):
        self.client = AutodiscoveryClient(
            (host, port), interval=conversation.POLL_SECONDS, timeout=5, connect_timeout=5
        )

    def nodes(self):
        return [node.rsplit(":", 1) for node in self.client.clients]

    def set(self, key, value):
        return self.client.set(key, value, noreply=False)

    def get(self, key):
        return self.client.get(key)


conversation.run(Client())
