// An echo bot written with grammY. Takes the Bot API's URL and the token as arguments.
const { Bot } = require("grammy");

const [apiRoot, token] = process.argv.slice(2);
const bot = new Bot(token, { client: { apiRoot } });

bot.command("echo", (ctx) => ctx.reply(ctx.match));

bot.start();
