package com.example;

import static org.junit.Assert.assertEquals;

import org.junit.Test;

public class HelloTest {
  @Test
  public void theNameInThePathIsGreeted() {
    assertEquals("hello ann", Hello.greeting("/ann"));
  }
}
