pytest_plugins = ["pytester", "tests.support.rules", "tests.support.servers", "tests.support.databases"]
