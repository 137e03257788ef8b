// QuickJS runs this after the library. Go calls check or evaluate, runs what they queue, and reads answer.
var answer;

(function () {
  // A value that differs from one evaluation to the next would make another event of each attempt, and drift of each plan.
  var changing = ["now", "millis", "random", "shuffle"];

  function prepared(expression) {
    var compiled = jsonata(expression);
    changing.forEach(function (name) {
      compiled.registerFunction(name, function () {
        throw { message: "$" + name + " cannot be used: each attempt would make another event" };
      });
    });
    return compiled;
  }

  function fault(e) {
    answer = JSON.stringify({ fault: { code: e && e.code, message: String(e && e.message), position: e && e.position } });
  }

  function plain(_, value) {
    if (typeof value === "function" || value && (value._jsonata_lambda || value._jsonata_function)) {
      throw { message: "its value has a function" };
    }
    if (typeof value === "number" && !isFinite(value)) {
      throw { message: "its value has a number that is out of range" };
    }
    return value;
  }

  globalThis.check = function (expression) {
    try {
      prepared(expression);
      answer = "{}";
    } catch (e) {
      fault(e);
    }
  };

  globalThis.evaluate = function (expression, event, bindings) {
    try {
      var input = JSON.parse(event);
      var variables = JSON.parse(bindings);
      variables.event = input;
      prepared(expression).evaluate(input, variables).then(function (value) {
        // With a function to call, QuickJS looks at its timeout: a value of few objects may be a document of many.
        answer = JSON.stringify({ value: value }, plain);
      }).catch(fault);
    } catch (e) {
      fault(e);
    }
  };
})();
