"""Renders the pictures of record.json with render.html in headless Chromium, and shrinks them with pngquant. Usage: python3 render.py"""
import json, os, re, shutil, subprocess, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
FLAGS = ('--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking '
         '--disable-component-update --disable-sync --hide-scrollbars --force-device-scale-factor=2').split()


def chromium(page, work, *flags):
    command = ['chromium', *FLAGS, f'--user-data-dir={work}/profile', *flags, page]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout


def main():
    with open(f'{HERE}/record.json') as file:
        record = file.read()
    with open(f'{HERE}/render.html') as file:
        page = file.read().replace('json">null<', 'json">' + record.replace('<', '\\u003c') + '<')
    work = tempfile.mkdtemp()
    try:
        with open(f'{work}/page.html', 'w') as file:
            file.write(page)
        for name in json.loads(record)['pictures']:
            url = f'file://{work}/page.html?picture={name}'
            height = re.search('data-height="([0-9]+)"', chromium(url, work, '--window-size=390,800', '--dump-dom'))[1]
            chromium(url, work, f'--window-size=390,{height}', f'--screenshot={HERE}/{name}.png')
            subprocess.run(['pngquant', '--force', '--ext', '.png', '--nofs', '128', f'{HERE}/{name}.png'], check=True)
            print(name, height, os.path.getsize(f'{HERE}/{name}.png'))
    finally:
        shutil.rmtree(work)


if __name__ == '__main__':
    main()
