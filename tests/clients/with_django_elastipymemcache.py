from django_elastipymemcache.client import AWSElastiCacheClient

import conversation


class Client:
    LIBRARY = "django-elastipymemcache"

    def discover(self, host, port):
        self.client = AWSElastiCacheClient(
            f"{host}:{port}", discovery_interval=conversation.POLL_SECONDS, timeout=5, connect_timeout=5
        )

    def nodes(self):
        # It polls when it is used and the interval is over.
        self.client.get("any")
        return [node.rsplit(":", 1) for node in self.client.clients]

    def set(self, key, value):
        return self.client.set(key, value, noreply=False)

    def get(self, key):
        return self.client.get(key)


conversation.run(Client())
