"""An echo bot written with python-telegram-bot. Takes the Bot API's URL and the token as arguments."""

import sys

from telegram import Update
from telegram.ext import Application, CommandHandler, ContextTypes


async def echo(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    await update.message.reply_text(" ".join(context.args))


def main() -> None:
    api_root, token = sys.argv[1:]
    application = Application.builder().token(token).base_url(f"{api_root}/bot").build()
    application.add_handler(CommandHandler("echo", echo))
    application.run_polling()


main()
