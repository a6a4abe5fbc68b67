"""An echo bot with python-telegram-bot. Arguments: the URL of the Bot API, and the token."""

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
