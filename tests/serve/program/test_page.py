"""The page in a real browser: Chromium without a window, driven by Selenium.

`PICTURES=FOLDER` keeps what the page looks like in light, dark and on a phone; `RUN=FOLDER` takes a
trained run for it."""

import importlib.util
import json
import os
import shutil
import tempfile
import unittest

from made_run import Server, WAIT, made_run, made_words

if importlib.util.find_spec("selenium"):
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import WebDriverWait

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")


def browser(folder):
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu",
                     "--window-size=1000,740", f"--user-data-dir={folder}/browser"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(service=Service(DRIVER), options=options)


HAS_BROWSER = unittest.skipUnless(importlib.util.find_spec("selenium") and CHROMIUM and DRIVER,
                                  "no chromium, chromedriver and python3-selenium")


class PageCase(unittest.TestCase):
    """Each test has a window as if it were new; server and browser are those of the class."""

    run_folder = os.environ.get("RUN")

    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        with open(os.path.join(cls.folder, "ann.txt"), "w", encoding="utf-8") as out:
            out.write("i have two dogs .\ni live in a small town .\n")
        cls.server = cls.enterClassContext(cls.start())
        cls.page = browser(cls.folder)
        cls.addClassCleanup(cls.page.quit)

    @classmethod
    def start(cls, **options):
        options = {"run": cls.run_folder, **options}
        return Server(cls.folder, "--persona", os.path.join(cls.folder, "ann.txt"), **options)

    def setUp(self):
        self.page.set_window_size(1000, 740)
        self.page.get(self.server.url + "/icon.svg")  # of the same origin, without a script
        self.page.execute_script("sessionStorage.clear(); localStorage.clear()")
        for log in ("browser", "performance"):
            self.page.get_log(log)  # what was before
        self.open(self.server)

    def open(self, server):
        self.page.get(server.url)
        self.wait_until_online()

    # -- what a person does

    def one(self, selector):
        return self.page.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector):
        return self.page.find_elements(By.CSS_SELECTOR, selector)

    def wait(self, condition):
        return WebDriverWait(self.page, WAIT, poll_frequency=0.05).until(lambda _: condition())

    def wait_until_online(self):
        self.wait(lambda: self.one("#state").get_attribute("data-state") == "online")

    def say(self, text):
        before = len(self.all(".reply .actions:not([hidden])"))
        self.one("#text").send_keys(text, Keys.ENTER)
        self.wait(lambda: len(self.all(".reply .actions:not([hidden])")) > before)
        return self.replies()[-1]

    def replies(self):
        return [said.text for said in self.all(".reply .said")]

    def all_said(self):
        return [said.text for said in self.all(".said")]

    def open_settings(self):
        if not self.one("#side").is_displayed():
            self.one("#panels").click()

    def picture(self, name):
        if folder := os.environ.get("PICTURES"):
            self.page.save_screenshot(os.path.join(folder, name + ".png"))


@HAS_BROWSER
class PageTest(PageCase):
    def test_chat_with_a_heat_map(self):
        self.assertTrue(self.say("do you like dogs ?"))
        self.assertTrue(self.say("where do you live ?"))
        details = self.all(".reply details:not([hidden])")[-1]
        details.find_element(By.TAG_NAME, "summary").click()
        rows = details.find_elements(By.CSS_SELECTOR, "tbody tr")
        self.assertEqual(len(rows), 3)
        self.assertIn("turn 0: do you like dogs ?", rows[0].text)
        weights = [float(row.find_element(By.CLASS_NAME, "weight").text) for row in rows]
        self.assertAlmostEqual(sum(weights), 1, delta=0.01)
        token = details.find_elements(By.CSS_SELECTOR, ".tokens button")[0]
        token.send_keys(Keys.ENTER)  # by keyboard, too
        self.assertEqual(token.get_attribute("aria-pressed"), "true")
        self.assertIn("at this token", details.text)
        self.picture("light")
        self.page.execute_script("document.documentElement.dataset.theme = 'dark'")
        self.open_settings()
        self.picture("dark")
        self.one("#panels").click()
        self.page.set_window_size(400, 760)
        self.picture("phone")
        wide = self.page.execute_script(
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth")
        self.assertEqual(wide, 0, "nothing sticks out on a phone")

    def test_a_persona_line_is_changed_in_mid_chat(self):
        self.say("do you like dogs ?")
        self.open_settings()
        self.one("#persona-pick option[value=ann]").click()
        self.wait(lambda: len(self.all("#facts input")) == 2)
        line = self.all("#facts input")[1]
        line.clear()
        line.send_keys("i live in rome .", Keys.ENTER)
        self.wait(lambda: "i live in rome ." in self.all(".note")[-1].text)
        self.say("where do you live ?")
        self.all(".reply details:not([hidden]) summary")[-1].click()
        self.assertIn("persona 2: i live in rome .", self.all(".reply details")[-2].text +
                      self.all(".reply details")[-1].text)

    def test_a_lost_server_that_comes_back(self):
        archive = os.path.join(self.folder, "lost.sqlite")
        server = self.enterContext(self.start(archive=archive))
        self.open(server)
        first = self.say("do you like dogs ?")
        server.process.kill()
        server.process.wait()
        self.wait(lambda: self.one("#state").get_attribute("data-state") == "reconnecting")
        self.assertFalse(self.one("#send").is_enabled())
        with self.start(archive=archive, port=server.port):
            self.page.execute_script("window.dispatchEvent(new Event('online'))")
            self.wait_until_online()
            self.wait(lambda: first in self.replies())
            self.assertEqual(self.all_said(), ["do you like dogs ?", first])
            second = self.say("where do you live ?")
            self.page.refresh()
            self.wait_until_online()
            self.wait(lambda: len(self.all(".said")) == 4)
            self.assertEqual(self.all_said(), ["do you like dogs ?", first, "where do you live ?", second])
            self.assertIn("turn 0: do you like dogs ?",
                          self.all(".reply details:not([hidden])")[0].get_attribute("textContent"))

    def test_settings_are_held_to_their_ranges(self):
        self.open_settings()
        field = self.one("#decode-max_new_tokens")
        field.send_keys(Keys.CONTROL + "a")
        field.send_keys("100000", Keys.TAB)
        self.wait(lambda: field.get_attribute("aria-invalid") == "true")
        self.assertIn("max_new_tokens must be", self.one("#notice").text)
        field.send_keys(Keys.CONTROL + "a")
        field.send_keys("2", Keys.TAB)
        self.say("do you like dogs ?")
        self.assertIn("length", self.all(".reply .meta")[-1].text)

    def test_versions_ratings_and_a_new_conversation(self):
        said = self.say("do you like dogs ?")
        buttons = {button.text: button for button in self.all(".reply .actions button")}
        buttons["Good"].click()
        buttons["Same again"].click()
        self.wait(lambda: self.one(".reply .actions").is_displayed())
        self.assertEqual(self.replies(), [said])
        self.assertEqual(buttons["Good"].get_attribute("aria-pressed"), "true")
        self.one("#new").click()
        self.wait(lambda: not self.all(".said"))
        self.say("where do you live ?")
        self.assertEqual(len(self.all(".said")), 2)

    def test_a_conversation_is_deleted(self):
        self.say("do you like dogs ?")
        self.one("#delete").click()
        self.page.switch_to.alert.accept()
        self.wait(lambda: not self.all(".said"))
        self.wait_until_online()
        self.say("where do you live ?")
        self.page.refresh()
        self.wait_until_online()
        self.wait(lambda: len(self.all(".said")) == 2)

    def test_the_training_is_drawn(self):
        self.open_settings()
        self.wait(lambda: self.one("#training").is_displayed())
        self.assertIn("ended at step 60", self.one("#training-state").text)
        points = self.page.execute_script("return training.chart.data.datasets[0].data")
        self.assertEqual([point["x"] for point in points], [30, 60])

    def test_what_a_training_answered_is_shown_with_what_it_looked_at(self):
        with open(os.path.join(made_run(), "log.jsonl"), encoding="utf-8") as file:
            lines = [line for line in map(json.loads, file) if line["event"] == "samples"]
        self.assertEqual([line["step"] for line in lines], [30, 60])
        self.open_settings()
        self.wait(lambda: len(self.all("#sample-list > li")) == 2)
        self.assertRegex(self.one("#training-state").text, r"^ended at step 60 \(steps\), \d+ labels/s, \d+s so far$")
        self.assertEqual(len(self.all("#sample-pick option")), 3)
        self.one("#sample-pick option[value='2']").click()
        shown = [item.text for item in self.all("#sample-list > li")]
        for text, line in zip(shown, reversed(lines)):
            self.assertEqual(text.split("\n")[0], f"step {line['step']}")
            self.assertIn(" ".join(line["samples"][2]["reply"].split()) or "(nothing)", text)
        newest = lines[-1]["samples"][2]
        context = [item.text for item in self.all("#sample-context li")]
        self.assertEqual(context[:-1], [f"turn {i} ({turn['speaker']}): {turn['text']}"
                                        for i, turn in enumerate(newest["turns"])])
        self.assertEqual(context[-1], f"in the corpus ({newest['speaker']}): {newest['reference']}")
        details = self.all("#sample-list details")[0]
        details.find_element(By.TAG_NAME, "summary").click()
        details.find_elements(By.CSS_SELECTOR, ".tokens button")[0].send_keys(Keys.ENTER)
        self.assertIn("at this token", details.text)
        cells = [[float(cell.text) for cell in row.find_elements(By.CLASS_NAME, "weight")]
                 for row in details.find_elements(By.CSS_SELECTOR, "tbody tr")]
        attention = newest["attention"]
        self.assertEqual([dynamic for dynamic, _ in cells], attention["dynamic"][0])
        self.assertEqual([fixed for _, fixed in cells],
                         [round(weight, 3) for weight in attention["static"][0]])
        self.assertAlmostEqual(sum(attention["dynamic"][0]), 1, delta=0.01)

    def test_what_a_training_left_behind_is_no_longer_shown(self):
        run = os.path.join(self.folder, "went-back")
        shutil.copytree(os.environ.get("RUN") or made_run(), run)
        log = os.path.join(run, "log.jsonl")
        server = self.enterContext(self.start(run=run, archive=os.path.join(self.folder, "back.sqlite")))
        self.open(server)
        self.open_settings()
        self.wait(lambda: len(self.all("#sample-list > li")) == 2)
        with open(log, encoding="utf-8") as file:
            lines = [json.loads(line) for line in file]
        (first, _) = [line for line in lines if line["event"] == "samples"]
        first["samples"] = first["samples"][1:]  # fewer of them from now on, too
        first["samples"][0]["reply"] = "another way"
        padding = {"event": "fall_back", "step": 31, "why": "x" * os.path.getsize(log)}  # beyond where it was
        with open(log, "w", encoding="utf-8") as file:
            for line in [line for line in lines if line["step"] <= 20] + [first, padding]:
                file.write(json.dumps(line, separators=(",", ":")) + "\n")
        self.page.execute_script("training.look()")
        self.wait(lambda: len(self.all("#sample-list > li")) == 1)
        self.wait(lambda: len(self.all("#sample-pick option")) == 2)
        self.assertIn("another way", self.one("#sample-list").text)

    def test_texts_are_texts(self):
        text = "<img src=x onerror=alert(1)><b>hi</b>"
        self.say(text)
        self.assertEqual(self.all(".user .said")[-1].text, text)
        self.assertFalse(self.all("#log img, #log b"))

    def test_nothing_is_asked_of_anybody_else(self):
        self.say("do you like dogs ?")
        asked = set()
        for entry in self.page.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                asked.add(message["params"]["request"]["url"])
            elif message["method"] == "Network.webSocketCreated":
                asked.add(message["params"]["url"])
        own = (self.server.url, f"ws://127.0.0.1:{self.server.port}", "data:", "chrome")
        self.assertEqual([url for url in asked if not url.startswith(own)], [])
        faults = [e for e in self.page.get_log("browser") if e["level"] == "SEVERE"]
        self.assertEqual(faults, [])

    def test_every_control_has_a_name(self):
        self.say("do you like dogs ?")
        self.open_settings()
        nameless = self.page.execute_script("""
          return [...document.querySelectorAll('button, input, select, textarea')].filter(control => {
            const label = control.labels && control.labels.length ? control.labels[0].textContent : '';
            return !(control.getAttribute('aria-label') || label || control.textContent).trim();
          }).map(control => control.outerHTML)""")
        self.assertEqual(nameless, [])


@HAS_BROWSER
class WordsTest(PageCase):
    """The page of a model that attends to words."""

    @classmethod
    def setUpClass(cls):
        cls.run_folder = made_words()
        super().setUpClass()

    def choose(self, details, level):
        button = next(b for b in details.find_elements(By.CSS_SELECTOR, "[role=group] button")
                      if b.text == level)
        button.send_keys(Keys.ENTER)  # by keyboard
        self.assertEqual(button.get_attribute("aria-pressed"), "true")

    def last_details(self):
        return self.all(".reply details:not([hidden])")[-1]

    def weights(self, details):
        return [float(cell.text) for cell in details.find_elements(By.CSS_SELECTOR, "tbody .weight")]

    def marks(self, details):
        return details.find_elements(By.CSS_SELECTOR, ".texts mark")

    def test_turns_or_words(self):
        self.say("do you like dogs ?")
        details = self.last_details()
        details.find_element(By.TAG_NAME, "summary").click()
        self.assertIn("turn 0: do you like dogs ?", details.text)
        self.assertEqual((len(self.weights(details)), self.marks(details)), (1, []))
        self.assertEqual(self.weights(details), [1], "all of it")
        self.choose(details, "words")
        text = details.find_element(By.CSS_SELECTOR, ".texts p")
        self.assertEqual(text.text, "turn 0: do you like dogs ?", "the text stays as it is")
        # Each word is tinted, with its number in a title and once more in the list.
        for word in ("“you” in turn 0", "“?” in turn 0", "a mark in turn 0"):
            self.assertIn(word, details.text)
        weights = self.weights(details)
        self.assertEqual(weights, sorted(weights, reverse=True))
        self.assertAlmostEqual(sum(weights), 1, delta=0.01)
        titles = [float(mark.get_attribute("title")) for mark in self.marks(details)]
        self.assertTrue(set(titles) <= set(weights), (titles, weights))
        self.assertEqual("".join(mark.text for mark in self.marks(details)), "doyoulikedogs?")
        shares = [float(self.page.execute_script(
            "return arguments[0].style.getPropertyValue('--share')", mark)) for mark in self.marks(details)]
        order = sorted(range(len(titles)), key=lambda i: titles[i])
        self.assertEqual([shares[i] for i in order], sorted(shares), "darker the more it weighs")
        # At one token of the reply, too; and back.
        details.find_element(By.CSS_SELECTOR, ".tokens button").send_keys(Keys.ENTER)
        self.assertIn("at this token", details.text)
        self.assertAlmostEqual(sum(self.weights(details)), 1, delta=0.01)
        self.assertTrue(self.marks(details))
        self.choose(details, "turns")
        self.assertEqual((self.weights(details), self.marks(details)), ([1], []))

    def test_words_of_a_persona_and_after_a_reload(self):
        self.open_settings()
        self.one("#persona-pick option[value=ann]").click()
        self.wait(lambda: len(self.all("#facts input")) == 2)
        self.one("#panels").click()
        self.say("do you like <b>dogs</b> ?")
        self.page.refresh()
        self.wait_until_online()
        self.wait(lambda: len(self.all(".said")) == 2)
        details = self.last_details()
        details.find_element(By.TAG_NAME, "summary").click()
        self.choose(details, "words")
        texts = [text.text for text in details.find_elements(By.CSS_SELECTOR, ".texts p")]
        self.assertEqual(texts, ["persona 1: i have two dogs .", "persona 2: i live in a small town .",
                                 "turn 0: do you like <b>dogs</b> ?"])
        self.assertFalse(self.all("#log b"), "texts are texts")
        self.assertIn("in persona 1", details.text)
        faults = [e for e in self.page.get_log("browser") if e["level"] == "SEVERE"]
        self.assertEqual(faults, [])


if __name__ == "__main__":
    unittest.main()
