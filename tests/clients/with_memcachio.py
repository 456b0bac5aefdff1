import memcachio

import conversation


class Client:
    LIBRARY = "memcachio"

    async def discover(self, host, port):
        endpoint = memcachio.AWSAutoDiscoveryEndpoint(host, port, conversation.POLL_SECONDS)
        self.client = memcachio.Client(endpoint)
        # It connects when it is first used.
        await self.client.get("any")

    def nodes(self):
        return self.client.connection_pool.endpoints

    def set(self, key, value):
        return self.client.set(key, value)

    async def get(self, key):
        items = await self.client.get(key)
        return items[key.encode()].value if items else None


conversation.run(Client())
