import emcache

import conversation


class Client:
    LIBRARY = "emcache"

    async def discover(self, host, port):
        self.client = await emcache.create_client(
            [emcache.MemcachedHostAddress(host, port)],
            autodiscovery=True,
            autodiscovery_poll_interval=conversation.POLL_SECONDS,
        )

    def nodes(self):
        return [(node.address, node.port) for node in self.client.cluster_managment().nodes()]

    async def set(self, key, value):
        await self.client.set(key.encode(), value.encode())
        return True

    async def get(self, key):
        item = await self.client.get(key.encode())
        return item and item.value


conversation.run(Client())
