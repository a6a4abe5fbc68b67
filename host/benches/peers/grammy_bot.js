// An echo bot with grammY. Arguments: the URL of the Bot API, and the token.
const { Bot } = require("grammy");

const [apiRoot, token] = process.argv.slice(2);
const bot = new Bot(token, { client: { apiRoot } });

bot.command("echo", (ctx) => ctx.reply(ctx.match));

bot.start();
