// Browsers start no Worker for a page that lies on a disk. Then its script runs in a frame, so that the search works there;
// mkdocs-material's looks for the name IFrameWorker, to know that.
if (location.protocol === "file:")
    window.Worker = window.IFrameWorker = class extends EventTarget {
        constructor(url) {
            super();
            this.frame = document.createElement("iframe");
            this.frame.hidden = true;
            document.body.append(this.frame);
            const inside = this.frame.contentWindow;
            const load = address => new Promise((done, failed) => {
                const script = inside.document.createElement("script");
                script.src = address;
                script.onload = done;
                script.onerror = failed;
                inside.document.body.append(script);
            });
            inside.importScripts = (...addresses) => addresses.reduce((before, next) => before.then(() => load(next)), Promise.resolve());
            inside.postMessage = data => this.dispatchEvent(new MessageEvent("message", {data}));
            this.loaded = load(url);
        }
        postMessage(data) {
            const inside = this.frame.contentWindow;
            this.loaded.then(() => inside.dispatchEvent(new inside.MessageEvent("message", {data})));
        }
        terminate() {
            this.frame.remove();
        }
    };
