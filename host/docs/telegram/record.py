"""Runs a Cordboard host against a stand-in for Telegram's Bot API, plays the user, and writes record.json.

Usage: python3 record.py PATH/TO/cordboard
It creates the folder /home/ada for the run, which must not exist, and removes it at the end.
"""
import base64, json, os, re, shutil, struct, subprocess, sys, tempfile, threading, time, zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN, ADA, HOME = '123456789:AbC-dEf_ghijklmnopqrstuvwxyz12345', 1001, '/home/ada'
ICONS = '⚡💬❓☕❗'
HERE = os.path.dirname(os.path.abspath(__file__))
NOTES = b'Release notes\n- the search is faster\n- dark mode\n'


class Chat:
    """The state of the stand-in: pending updates, messages, and the record."""

    def __init__(self):
        self.changed, self.updates, self.messages, self.events = threading.Condition(), [], {}, []
        self.next_update, self.next_message, self.has_topics = 1, 1, False

    def record(self, **event):
        self.events.append({'at': int(time.time()), **event})
        self.changed.notify_all()

    def push(self, **update):
        with self.changed:
            self.updates.append({'update_id': self.next_update, **update})
            self.next_update += 1
            self.record(update=update)

    def say(self, **content):
        """The user sends a message, by default in the private chat with the bot."""
        with self.changed:
            number, self.next_message = self.next_message, self.next_message + 1
        self.push(message={
            'message_id': number, 'date': int(time.time()), 'chat': {'id': ADA, 'type': 'private', 'first_name': 'Ada'},
            'from': {'id': ADA, 'is_bot': False, 'first_name': 'Ada', 'language_code': 'en'}, **content})

    def topic(self, name):
        """Returns the id of the topic that the bot has created with this name."""
        return next(e['topic'] for e in self.events if e.get('call') == 'createForumTopic' and e['params']['name'] == name)

    def press(self, text, label):
        """The user presses a button of the newest message that contains `text`."""
        number, message = [(n, m) for n, m in self.messages.items() if text in m.get('text', '')][-1]
        buttons = [b for row in message['reply_markup']['inline_keyboard'] for b in row]
        data = next(b['callback_data'] for b in buttons if b['text'] == label)
        self.push(callback_query={
            'id': str(self.next_update), 'chat_instance': '1', 'data': data,
            'from': {'id': ADA, 'is_bot': False, 'first_name': 'Ada', 'language_code': 'en'},
            'message': {'message_id': number, 'date': 1, 'chat': {'id': ADA, 'type': 'private'}}})

    def wait(self, method, part='', count=1, after=0):
        """Waits for the calls of a method whose parameters contain a text. Returns the index after the last one."""
        def found():
            calls = [i for i, e in enumerate(self.events) if e.get('call') == method and i >= after
                     and part in json.dumps(e['params'], ensure_ascii=False)]
            return calls[count - 1] + 1 if len(calls) >= count else None
        with self.changed:
            if not self.changed.wait_for(found, timeout=60):
                sys.exit(f'timed out: {method} {part!r}: {json.dumps(self.events[after:], indent=1, ensure_ascii=False)}')
            return found()

    def answer(self, method, params):
        """Handles a call of the host."""
        if method == 'getUpdates':
            with self.changed:
                self.updates = [u for u in self.updates if u['update_id'] >= params.get('offset', 0)]
                self.changed.wait_for(lambda: self.updates, timeout=min(params['timeout'], 20))
                return list(self.updates)
        with self.changed:
            result = True
            if method == 'getMe':
                result = {'id': 42, 'is_bot': True, 'first_name': 'Cordboard', 'username': 'ada_cordboard_bot',
                          'has_topics_enabled': self.has_topics}
            elif method == 'getFile':
                result = {'file_id': params['file_id'], 'file_unique_id': 'u', 'file_path': 'documents/file'}
            elif method in ('sendMessage', 'sendPhoto', 'sendDocument'):
                result = {'message_id': self.next_message, 'date': int(time.time()), 'chat': {'id': ADA, 'type': 'private'}}
                self.messages[self.next_message] = dict(params)
                self.next_message += 1
            elif method in ('editMessageText', 'editMessageReplyMarkup'):
                message = self.messages[params['message_id']]
                message.update(text=params.get('text', message['text']), reply_markup=params.get('reply_markup'))
            elif method == 'deleteMessage':
                del self.messages[params['message_id']]
            elif method == 'getForumTopicIconStickers':
                result = [{'emoji': emoji, 'custom_emoji_id': emoji, 'file_id': emoji, 'file_unique_id': emoji, 'type': 'custom_emoji',
                           'width': 100, 'height': 100, 'is_animated': False, 'is_video': False} for emoji in ICONS]
            elif method == 'createForumTopic':
                result = {'message_thread_id': self.next_message, 'name': params['name'], 'icon_color': 7322096}
                self.next_message += 1
            more = {'message_id': result.get('message_id'), 'topic': result.get('message_thread_id')} if isinstance(result, dict) else {}
            self.record(call=method, params=params, **{key: value for key, value in more.items() if value})
            return result


chat = Chat()
METHODS = ('getMe getUpdates getFile sendMessage sendPhoto sendDocument sendMessageDraft sendChatAction editMessageText '
           'editMessageReplyMarkup deleteMessage setMyCommands setMessageReaction answerCallbackQuery createForumTopic '
           'editForumTopic getForumTopicIconStickers').split()


def form(body, content_type):
    """Parses a multipart form. Of a file, the record contains the name and the size, and the content of an image."""
    params = {}
    for part in body.split(b'--' + re.search('boundary="?([^";]+)', content_type)[1].encode())[1:-1]:
        head, content = part[2:-2].split(b'\r\n\r\n', 1)
        name, file = re.search(rb'name="([^"]*)"', head)[1].decode(), re.search(rb'filename="([^"]*)"', head)
        if file:
            params[name] = {'file_name': file[1].decode(), 'file_size': len(content)}
            if content.startswith(b'\x89PNG'):
                params[name]['base64'] = base64.b64encode(content).decode()
        else:
            params[name] = content.decode()
    return params


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *_):
        pass

    def reply(self, status, body):
        self.send_response(status)
        self.send_header('content-length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.reply(200, NOTES)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get('content-length') or 0))
        kind = self.headers.get('content-type', '')
        params = form(body, kind) if kind.startswith('multipart/') else json.loads(body or b'{}')
        method = next((m for m in METHODS if m.lower() == self.path.split('/')[-1].lower()), None)
        if method is None:
            return self.reply(404, b'{"ok":false,"error_code":404,"description":"Not Found: method not found"}')
        self.reply(200, json.dumps({'ok': True, 'result': chat.answer(method, params)}).encode())


def plot():
    """Returns a PNG with a bar chart."""
    width, height, bars = 480, 270, [80, 95, 120, 110, 150, 175, 160, 205]
    rows = []
    for y in range(height):
        row = bytearray(b'\x00')
        for x in range(width):
            bar, inside = divmod(x - 32, 54)
            if y == height - 45 or x == 24 and 20 < y < height - 45:
                row += b'\x70\x75\x79'
            elif 0 <= bar < len(bars) and 0 <= inside < 38 and height - 46 - bars[bar] < y < height - 45:
                row += b'\x33\x90\xec'
            else:
                row += b'\xff\xff\xff'
        rows.append(bytes(row))

    def chunk(kind, data):
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0))
            + chunk(b'IDAT', zlib.compress(b''.join(rows), 9)) + chunk(b'IEND', b''))


def entity(text, part, **kind):
    units = lambda t: len(t.encode('utf-16-le')) // 2
    return {'offset': units(text[:text.index(part)]), 'length': units(part), **kind}


def play(restart):
    """Plays the user. Returns the pictures: for each, the range of the events that it shows."""
    pictures = {}
    chat.say(text='/start')
    chat.wait('sendMessage', 'This is Cordboard')
    chat.say(text='/new web')
    chat.wait('sendMessage', "Session 'web' created.")
    code = 'fn area(w: u32, h: u32) -> u32 {\n    w * h\n}'
    text = f'Add a test for this function:\n{code}'
    chat.say(text=text, entities=[entity(text, code, type='pre', language='rust')])
    pictures['session'] = [0, chat.wait('sendMessage', 'You said')]

    start = len(chat.events)
    chat.say(text='remember the milk')
    chat.wait('sendMessage', 'I will remember', after=start)
    chat.say(text='recall')
    chat.wait('sendMessage', 'I remember', after=start)
    chat.say(text='slow 12')
    chat.wait('sendMessageDraft', 'line 4', after=start)
    chat.say(text='then update the changelog')
    pictures['draft'] = [start, chat.wait('sendMessageDraft', 'line 7', after=start)]
    chat.wait('sendMessage', 'update the changelog', after=start)

    start = len(chat.events)
    chat.say(text='run git push')
    pictures['permission'] = [start, chat.wait('sendMessage', 'asks for permission', after=start)]
    time.sleep(0.5)
    chat.press('asks for permission', 'Allow once')
    chat.wait('editMessageText', 'Decided by', after=start)
    chat.wait('sendMessage', 'You allowed it', after=start)
    time.sleep(1)
    pictures['decision'] = [start, len(chat.events)]

    start = len(chat.events)
    chat.say(document={'file_id': 'f', 'file_unique_id': 'u', 'file_name': 'notes.txt', 'file_size': len(NOTES)},
             caption='Check these release notes')
    chat.wait('sendMessage', 'Attached', after=start)
    chat.say(text='/files out')
    chat.wait('sendMessage', 'plot.png', after=start)
    chat.press('plot.png', 'plot.png')
    chat.wait('sendPhoto', after=start)
    chat.press('plot.png', 'sales.csv')
    pictures['files'] = [start, chat.wait('sendDocument', after=start)]

    chat.has_topics = True
    restart()
    start = len(chat.events)
    for name in ('api', 'docs', 'search'):
        chat.say(text=f'/new {name}')
        chat.wait('sendMessage', f"Session '{name}' created", after=start)
    for name, text in (('docs', 'List the missing pages'), ('api', 'run cargo test'), ('search', 'slow 60')):
        chat.say(text=text, message_thread_id=chat.topic(name), is_topic_message=True)
    chat.wait('sendMessage', 'You said: List', after=start)
    for icon in ('❓', '⚡'):
        chat.wait('editForumTopic', icon, after=start)
    pictures['topics'] = [start, len(chat.events)]
    return pictures


def main(program):
    os.mkdir(HOME)
    server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    work = tempfile.mkdtemp()
    try:
        files = {
            'README.md': b'# Web\n', 'src/main.rs': b'fn main() {}\n', 'out/plot.png': plot(),
            'out/sales.csv': b'month,sales\n1,80\n2,95\n', 'out/june/sales.csv': b'day,sales\n1,4\n',
        }
        for name in ('api', 'docs', 'search'):
            os.mkdir(f'{HOME}/{name}')
        for path, content in files.items():
            os.makedirs(os.path.dirname(f'{HOME}/web/{path}'), exist_ok=True)
            with open(f'{HOME}/web/{path}', 'wb') as file:
                file.write(content)
        with open(f'{work}/telegram.token', 'w', opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(TOKEN)
        with open(f'{work}/config.toml', 'w') as file:
            file.write(f'[telegram]\ntoken_file = "telegram.token"\napi_url = "http://127.0.0.1:{server.server_port}"\ntopics = "create"\n'
                       f'[access]\nowner = {ADA}\n[sessions.folders]\n')
            file.writelines(f'{name} = "{HOME}/{name}"\n' for name in ('web', 'api', 'docs', 'search'))
        with open(f'{work}/log', 'w') as log:
            def start():
                return subprocess.Popen([program, 'run', '--config', f'{work}/config.toml', '--state', f'{work}/state'],
                                        stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                        env={'HOME': HOME, 'PATH': os.environ['PATH'], 'TZ': 'UTC'})

            def stop():
                hosts[-1].terminate()
                hosts[-1].wait()

            hosts = [start()]
            try:
                pictures = play(lambda: (stop(), hosts.append(start())))
                time.sleep(1)
            finally:
                stop()
        with open(f'{work}/log') as log:
            print(log.read())
        with open(f'{HERE}/record.json', 'w') as file:
            events = ',\n'.join(json.dumps(event, ensure_ascii=False) for event in chat.events)
            file.write(f'{{"pictures": {json.dumps(pictures)},\n"events": [\n{events}\n]}}\n')
    finally:
        shutil.rmtree(work)
        shutil.rmtree(HOME)


if __name__ == '__main__':
    main(os.path.abspath(sys.argv[1]))
