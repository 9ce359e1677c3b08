/*{
    "DESCRIPTION": "Three inks for dark, middle and light: any picture becomes one of the set.",
    "CREDIT": "DanceNet live",
    "ISFVSN": "2",
    "CATEGORIES": ["Color Effect"],
    "INPUTS": [
        {"NAME": "inputImage", "TYPE": "image"},
        {"NAME": "inks", "LABEL": "Inks", "TYPE": "long", "DEFAULT": 0, "VALUES": [0, 1, 2, 3, 4, 5], "LABELS": ["dusk", "tide", "rose", "ember", "violet", "bone"]},
        {"NAME": "turn", "LABEL": "Turn through the inks", "TYPE": "float", "DEFAULT": 0.0, "MIN": 0.0, "MAX": 1.0},
        {"NAME": "contrast", "LABEL": "Contrast", "TYPE": "float", "DEFAULT": 0.4, "MIN": 0.0, "MAX": 1.0},
        {"NAME": "invert", "LABEL": "Dark for light", "TYPE": "float", "DEFAULT": 0.0, "MIN": 0.0, "MAX": 1.0}
    ],
    "DANCENET": {"PLACE": 75}
}*/

const vec3 NIGHT = vec3(0.027, 0.035, 0.059), BONE = vec3(0.953, 0.918, 0.847), EMBER = vec3(1.0, 0.353, 0.212), AMBER = vec3(1.0, 0.702, 0.278);
const vec3 ROSE = vec3(0.839, 0.271, 0.435), TIDE = vec3(0.122, 0.714, 0.788), VIOLET = vec3(0.357, 0.275, 0.784);

vec3 ink(float number, float light) {
    vec3 dark = NIGHT, middle = ROSE, pale = AMBER;                        // dusk
    if (number == 1.0) { dark = vec3(0.016, 0.055, 0.098); middle = TIDE; pale = BONE; }
    if (number == 2.0) { dark = vec3(0.106, 0.059, 0.180); middle = ROSE; pale = vec3(1.0, 0.84, 0.78); }
    if (number == 3.0) { dark = vec3(0.071, 0.027, 0.039); middle = EMBER; pale = vec3(1.0, 0.86, 0.58); }
    if (number == 4.0) { dark = vec3(0.035, 0.027, 0.090); middle = VIOLET; pale = vec3(0.62, 0.93, 0.95); }
    if (number == 5.0) { dark = NIGHT; middle = vec3(0.45, 0.43, 0.41); pale = BONE; }
    return mix(mix(dark, middle, clamp(light * 2.0, 0.0, 1.0)), pale, clamp(light * 2.0 - 1.0, 0.0, 1.0));
}

void main() {
    vec4 source = IMG_THIS_PIXEL(inputImage);
    float light = clamp(dot(source.rgb, vec3(0.30, 0.59, 0.11)), 0.0, 1.0);
    light = mix(light, light * light * (3.0 - 2.0 * light), contrast);
    light = mix(light, 1.0 - light, invert);
    // Two neighbours of the six, mixed: turning goes from one to the next and comes home.
    float number = float(inks) + turn * 6.0, first = mod(floor(number), 6.0), rest = fract(number);
    vec3 colour = ink(first, light);
    if (rest > 0.0) colour = mix(colour, ink(mod(first + 1.0, 6.0), light), rest);
    float dither = fract(52.9829189 * fract(dot(gl_FragCoord.xy, vec2(0.06711056, 0.00583715))));
    gl_FragColor = vec4(colour + (dither - 0.5) / 255.0, 1.0);
}
