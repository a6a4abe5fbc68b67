// An echo bot written with Telegraf. Takes the Bot API's URL and the token as arguments.
const { Telegraf } = require("telegraf");

const [apiRoot, token] = process.argv.slice(2);
const bot = new Telegraf(token, { telegram: { apiRoot } });

bot.command("echo", (ctx) => ctx.reply(ctx.payload));

bot.launch();
