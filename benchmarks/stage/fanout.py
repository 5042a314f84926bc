"""The floor of live events: what Channels takes to tell every socket of one group something, with nothing around it."""

import json

import django

django.setup()

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402
from channels.routing import ProtocolTypeRouter  # noqa: E402

GROUP = "bare"


class Bare(AsyncWebsocketConsumer):
    groups = [GROUP]

    async def tick(self, message):
        await self.send(text_data=json.dumps({"sent_at": message["sent_at"]}))


application = ProtocolTypeRouter({"websocket": Bare.as_asgi()})
