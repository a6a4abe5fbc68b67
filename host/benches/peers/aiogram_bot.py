"""An echo bot written with aiogram. Takes the Bot API's URL and the token as arguments."""

import asyncio
import sys

from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.filters import Command, CommandObject
from aiogram.types import Message

dispatcher = Dispatcher()


@dispatcher.message(Command("echo"))
async def echo(message: Message, command: CommandObject) -> None:
    await message.answer(command.args)


async def main() -> None:
    api_root, token = sys.argv[1:]
    session = AiohttpSession(api=TelegramAPIServer.from_base(api_root))
    await dispatcher.start_polling(Bot(token=token, session=session))


asyncio.run(main())
