/*{
  "DESCRIPTION": "A slow flight through stars and faint dust, behind the dancers.",
  "CREDIT": "DanceNet live",
  "ISFVSN": "2",
  "CATEGORIES": ["Ground"],
  "DANCENET": {"PLACE": 10},
  "INPUTS": [
    {"NAME": "inputImage", "TYPE": "image"},
    {"NAME": "speed", "TYPE": "float", "LABEL": "How fast the flight is", "MIN": -1.0, "MAX": 1.0, "DEFAULT": 0.15},
    {"NAME": "density", "TYPE": "float", "LABEL": "How many stars", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.5},
    {"NAME": "dust", "TYPE": "float", "LABEL": "How bright the dust is", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.5},
    {"NAME": "roll", "TYPE": "float", "LABEL": "How fast the sky rolls, turns a minute", "MIN": -2.0, "MAX": 2.0, "DEFAULT": 0.15}
  ],
  "PASSES": [
    {"TARGET": "clock", "PERSISTENT": true, "FLOAT": true, "WIDTH": "1", "HEIGHT": "1"},
    {"TARGET": "cloud", "FLOAT": true, "WIDTH": "floor(96.0*$WIDTH/$HEIGHT)", "HEIGHT": "96"},
    {}
  ]
}*/

// Three layers of stars, each a grid with a star in some of its cells, come nearer and fade in and out at the ends.

float hash(vec2 p) {
    vec3 q = fract(vec3(p.xyx) * vec3(0.1031, 0.1030, 0.0973));
    q += dot(q, q.yzx + 33.33);
    return fract((q.x + q.y) * q.z);
}

float noise(vec2 p) {
    vec2 cell = floor(p);
    vec2 f = fract(p);
    f = f * f * (3.0 - 2.0 * f);
    return mix(mix(hash(cell), hash(cell + vec2(1.0, 0.0)), f.x),
               mix(hash(cell + vec2(0.0, 1.0)), hash(cell + vec2(1.0, 1.0)), f.x), f.y);
}

void main() {
    vec4 time = IMG_NORM_PIXEL(clock, vec2(0.5));
    if (PASSINDEX == 0) {
        // How far the flight is, the roll, a turn a minute for all that breathes, and the flight's whole number.
        float dt = clamp(TIMEDELTA, 0.0, 0.1);
        float flown = time.r + 0.25 * speed * dt;
        gl_FragColor = vec4(fract(flown), fract(time.g + roll * dt / 60.0), fract(time.b + dt / 60.0),
                            mod(time.a + floor(flown), 256.0));
        return;
    }
    vec2 p = (isf_FragNormCoord - 0.5) * vec2(RENDERSIZE.x / RENDERSIZE.y, 1.0);
    float spin = 6.2831853 * time.g;
    p = mat2(cos(spin), sin(spin), -sin(spin), cos(spin)) * p;
    if (PASSINDEX == 1) {
        // Dust: noise bent by noise, each octave turned so that no grid shows.
        float turn = 6.2831853 * time.b;
        mat2 turned = mat2(1.2, 1.6, -1.6, 1.2);
        vec2 q = p * 1.4 + 0.25 * vec2(cos(turn), sin(turn)) + 20.0;
        vec2 bent = vec2(noise(turned * q + 0.5 * sin(turn)), noise(turned * (q + 7.3) - 0.5 * cos(turn)));
        q += 0.9 * bent;
        float cloud = 0.5 * noise(q * 1.3);
        vec2 next = turned * q * 1.3;
        cloud += 0.25 * noise(next);
        next = turned * next;
        cloud += 0.15 * noise(next) + 0.10 * noise(turned * next);
        float lane = 1.0 - smoothstep(0.05, 0.75, abs(p.y - 0.35 * p.x + 0.5 * (bent.x - 0.5)));
        float amount = smoothstep(0.30, 0.80, cloud) * (0.15 + 0.85 * lane);
        vec3 colour = mix(vec3(0.22, 0.16, 0.56), vec3(0.70, 0.20, 0.34), smoothstep(0.35, 0.75, bent.y));
        colour = mix(colour, vec3(0.08, 0.42, 0.48), smoothstep(0.45, 0.8, bent.x));
        gl_FragColor = vec4(colour * amount, 1.0);
        return;
    }
    vec4 picture = IMG_THIS_PIXEL(inputImage);
    vec3 colour = vec3(0.027, 0.035, 0.059) * 0.6;
    if (picture.a < 0.996) {
        colour += dust * 0.9 * IMG_NORM_PIXEL(cloud, isf_FragNormCoord).rgb;
        float pixel = 1.0 / RENDERSIZE.y;
        for (int i = 0; i < 3; i++) {
            float layer = float(i);
            float deep = time.r + 0.3333 * layer;
            float near = fract(deep);
            float generation = mod(time.a + floor(deep), 256.0);
            float scale = mix(22.0, 2.5, near * near * (2.0 - near));
            vec2 q = p * scale + 40.0 + 17.0 * layer;
            vec2 cell = floor(q);
            vec2 name = cell + vec2(131.0 * layer, 7.0 * generation);
            float chance = hash(name);
            if (chance < 0.06 + 0.5 * density) {
                float other = hash(name + 71.0);
                vec2 at = vec2(0.2) + 0.6 * vec2(fract(chance * 47.31), fract(other * 31.7));
                float away = length(q - cell - at) / scale;
                float bright = other * other;
                float size = 0.0005 + 0.0026 * near * bright + 0.7 * pixel;
                float core = clamp(1.0 - away / (1.6 * size), 0.0, 1.0);
                float halo = clamp(1.0 - away / (0.17 / scale), 0.0, 1.0);
                float fade = min(1.0, near * 4.0) * min(1.0, (1.0 - near) * 5.0);
                float breath = 0.8 + 0.2 * sin(6.2831853 * (5.0 * time.b + 7.0 * chance));
                vec3 tint = mix(vec3(0.95, 0.92, 0.85), chance * 9.0 - floor(chance * 9.0) < 0.5
                                ? vec3(0.55, 0.85, 0.95) : vec3(1.0, 0.72, 0.42), 0.6 * other);
                colour += tint * (core * (0.35 + bright) + 0.22 * halo * halo * halo * bright * bright) * fade * breath;
            }
        }
        float grain = fract(52.9829189 * fract(dot(gl_FragCoord.xy, vec2(0.06711056, 0.00583715)))) - 0.5;
        colour += grain / 255.0;
    }
    gl_FragColor = vec4(picture.rgb + colour * (1.0 - picture.a), 1.0);
}
