// An echo bot with telegraf. Arguments: the URL of the Bot API, and the token.
const { Telegraf } = require("telegraf");

const [apiRoot, token] = process.argv.slice(2);
const bot = new Telegraf(token, { telegram: { apiRoot } });

bot.command("echo", (ctx) => ctx.reply(ctx.payload));

bot.launch();
